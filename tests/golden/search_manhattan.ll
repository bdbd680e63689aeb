; ModuleID = "likewise"
target triple = "unknown-unknown-unknown"
target datalayout = ""

define i64 @"search"(ptr noalias %".1")
{
entry:
  %".4" = getelementptr i64, ptr %".1", i64 3
  %".5" = load i64, ptr %".4"
  %".6" = getelementptr i64, ptr %".1", i64 4
  %".7" = load i64, ptr %".6"
  %".11" = alloca <4 x float>, i32 8, align 64
  %".12" = alloca <4 x float>, i32 2, align 64
  %".13" = getelementptr i64, ptr %".1", i64 7
  %".14" = load i64, ptr %".13"
  %".15" = getelementptr i64, ptr %".1", i64 1
  %".16" = load i64, ptr %".15"
  %".19" = getelementptr i64, ptr %".1", i64 2
  %".20" = load i64, ptr %".19"
  %".21" = inttoptr i64 %".20" to ptr
  %".29" = getelementptr i64, ptr %".1", i64 0
  %".30" = load i64, ptr %".29"
  %".31" = inttoptr i64 %".30" to ptr
  %".35" = alloca <4 x float>, i32 1
  %".37" = alloca <4 x float>, i32 1
  %".39" = alloca <4 x float>, i32 1
  %".41" = alloca <4 x float>, i32 1
  %".43" = alloca <4 x float>, i32 1
  %".45" = alloca <4 x float>, i32 1
  %".47" = alloca <4 x float>, i32 1
  %".49" = alloca <4 x float>, i32 1
  %".151" = getelementptr i64, ptr %".1", i64 16
  %".152" = load i64, ptr %".151"
  %".153" = inttoptr i64 %".152" to ptr
  %".230" = alloca i64, i32 1
  %".282" = getelementptr i64, ptr %".1", i64 9
  %".283" = load i64, ptr %".282"
  %".284" = getelementptr i64, ptr %".1", i64 10
  %".285" = load i64, ptr %".284"
  %".286" = getelementptr i64, ptr %".1", i64 11
  %".287" = load i64, ptr %".286"
  %".288" = inttoptr i64 %".287" to ptr
  %".291" = getelementptr i64, ptr %".1", i64 13
  %".292" = load i64, ptr %".291"
  %".293" = inttoptr i64 %".292" to ptr
  %".296" = getelementptr i64, ptr %".1", i64 14
  %".297" = load i64, ptr %".296"
  %".298" = inttoptr i64 %".297" to ptr
  %".301" = alloca i64, i32 1
  %".318" = getelementptr i64, ptr %".1", i64 5
  %".319" = load i64, ptr %".318"
  %".322" = getelementptr i64, ptr %".1", i64 19
  %".323" = load i64, ptr %".322"
  %".324" = inttoptr i64 %".323" to ptr
  %".330" = getelementptr i64, ptr %".1", i64 20
  %".331" = load i64, ptr %".330"
  %".333" = alloca i1, i32 1
  %".337" = getelementptr i64, ptr %".1", i64 21
  %".338" = load i64, ptr %".337"
  %".341" = inttoptr i64 %".331" to ptr
  %".349" = getelementptr i64, ptr %".1", i64 12
  %".350" = load i64, ptr %".349"
  %".351" = inttoptr i64 %".350" to ptr
  %".364" = alloca i64, i32 1
  %".394" = alloca i64, i32 1
  %".396" = alloca i64, i32 1
  %".437" = getelementptr i64, ptr %".1", i64 17
  %".438" = load i64, ptr %".437"
  %".439" = bitcast i64 %".438" to double
  %".440" = fptrunc double %".439" to float
  %".441" = getelementptr i64, ptr %".1", i64 18
  %".442" = load i64, ptr %".441"
  %".443" = inttoptr i64 %".442" to ptr
  %".451" = getelementptr i64, ptr %".1", i64 15
  %".452" = load i64, ptr %".451"
  %".453" = inttoptr i64 %".452" to ptr
  %".460" = alloca i64, i32 1
  %".498" = getelementptr i64, ptr %".1", i64 6
  %".499" = load i64, ptr %".498"
  br label %"body"
body:
  br label %"panel.head"
panel.head:
  %"panel" = phi  i64 [%".5", %"body"], [%".514", %"tile.done"]
  %".9" = icmp slt i64 %"panel", %".7"
  br i1 %".9", label %"panel.body", label %"panel.done"
panel.body:
  %".17" = add i64 %".16", 3
  %".18" = sdiv i64 %".17", 4
  %".22" = mul i64 %"panel", %".14"
  %".23" = mul i64 %".22", 8
  %".24" = getelementptr float, ptr %".21", i64 %".23"
  br label %"tile.head"
panel.done:
  ret i64 0
tile.head:
  %"tile" = phi  i64 [0, %"panel.body"], [%".512", %"t.done.endif"]
  %".26" = icmp slt i64 %"tile", %".18"
  br i1 %".26", label %"tile.body", label %"tile.done"
tile.body:
  %".28" = mul i64 %"tile", 4
  %".32" = mul i64 %".28", %".14"
  %".33" = getelementptr float, ptr %".31", i64 %".32"
  %".34" = mul i64 %"panel", 8
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".35"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".37"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".39"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".41"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".43"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".45"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".47"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".49"
  %".51" = sitofp i64 %".14" to float
  %".52" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".51", i32 0
  %".53" = shufflevector <4 x float> %".52", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  br label %"t.head"
tile.done:
  %".514" = add i64 %"panel", 1
  br label %"panel.head"
t.head:
  %"t" = phi  i64 [0, %"tile.body"], [%".141", %"t.body"]
  %".55" = icmp slt i64 %"t", %".14"
  br i1 %".55", label %"t.body", label %"t.done"
t.body:
  %".57" = mul i64 %"t", 8
  %".58" = add i64 %".57", 0
  %".59" = getelementptr float, ptr %".24", i64 %".58"
  %".60" = load <4 x float>, ptr %".59", align 4
  %".61" = add i64 %".57", 4
  %".62" = getelementptr float, ptr %".24", i64 %".61"
  %".63" = load <4 x float>, ptr %".62", align 4
  %".64" = mul i64 %"t", 4
  %".65" = add i64 %".64", 0
  %".66" = getelementptr float, ptr %".33", i64 %".65"
  %".67" = load float, ptr %".66", align 4
  %".68" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".67", i32 0
  %".69" = shufflevector <4 x float> %".68", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".70" = add i64 %".28", 0
  %".71" = add i64 %".34", 0
  %".72" = load <4 x float>, ptr %".35"
  %".73" = fsub <4 x float> %".69", %".60"
  %".74" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".73")
  %".75" = fadd <4 x float> %".72", %".74"
  store <4 x float> %".75", ptr %".35"
  %".77" = add i64 %".28", 0
  %".78" = add i64 %".34", 4
  %".79" = load <4 x float>, ptr %".37"
  %".80" = fsub <4 x float> %".69", %".63"
  %".81" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".80")
  %".82" = fadd <4 x float> %".79", %".81"
  store <4 x float> %".82", ptr %".37"
  %".84" = add i64 %".64", 1
  %".85" = getelementptr float, ptr %".33", i64 %".84"
  %".86" = load float, ptr %".85", align 4
  %".87" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".86", i32 0
  %".88" = shufflevector <4 x float> %".87", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".89" = add i64 %".28", 1
  %".90" = add i64 %".34", 0
  %".91" = load <4 x float>, ptr %".39"
  %".92" = fsub <4 x float> %".88", %".60"
  %".93" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".92")
  %".94" = fadd <4 x float> %".91", %".93"
  store <4 x float> %".94", ptr %".39"
  %".96" = add i64 %".28", 1
  %".97" = add i64 %".34", 4
  %".98" = load <4 x float>, ptr %".41"
  %".99" = fsub <4 x float> %".88", %".63"
  %".100" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".99")
  %".101" = fadd <4 x float> %".98", %".100"
  store <4 x float> %".101", ptr %".41"
  %".103" = add i64 %".64", 2
  %".104" = getelementptr float, ptr %".33", i64 %".103"
  %".105" = load float, ptr %".104", align 4
  %".106" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".105", i32 0
  %".107" = shufflevector <4 x float> %".106", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".108" = add i64 %".28", 2
  %".109" = add i64 %".34", 0
  %".110" = load <4 x float>, ptr %".43"
  %".111" = fsub <4 x float> %".107", %".60"
  %".112" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".111")
  %".113" = fadd <4 x float> %".110", %".112"
  store <4 x float> %".113", ptr %".43"
  %".115" = add i64 %".28", 2
  %".116" = add i64 %".34", 4
  %".117" = load <4 x float>, ptr %".45"
  %".118" = fsub <4 x float> %".107", %".63"
  %".119" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".118")
  %".120" = fadd <4 x float> %".117", %".119"
  store <4 x float> %".120", ptr %".45"
  %".122" = add i64 %".64", 3
  %".123" = getelementptr float, ptr %".33", i64 %".122"
  %".124" = load float, ptr %".123", align 4
  %".125" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".124", i32 0
  %".126" = shufflevector <4 x float> %".125", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".127" = add i64 %".28", 3
  %".128" = add i64 %".34", 0
  %".129" = load <4 x float>, ptr %".47"
  %".130" = fsub <4 x float> %".126", %".60"
  %".131" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".130")
  %".132" = fadd <4 x float> %".129", %".131"
  store <4 x float> %".132", ptr %".47"
  %".134" = add i64 %".28", 3
  %".135" = add i64 %".34", 4
  %".136" = load <4 x float>, ptr %".49"
  %".137" = fsub <4 x float> %".126", %".63"
  %".138" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".137")
  %".139" = fadd <4 x float> %".136", %".138"
  store <4 x float> %".139", ptr %".49"
  %".141" = add i64 %"t", 1
  br label %"t.head"
t.done:
  %".143" = load <4 x float>, ptr %".35"
  %".144" = load <4 x float>, ptr %".37"
  %".145" = load <4 x float>, ptr %".39"
  %".146" = load <4 x float>, ptr %".41"
  %".147" = load <4 x float>, ptr %".43"
  %".148" = load <4 x float>, ptr %".45"
  %".149" = load <4 x float>, ptr %".47"
  %".150" = load <4 x float>, ptr %".49"
  %".154" = add i64 %".28", 0
  %".155" = getelementptr float, ptr %".153", i64 %".154"
  %".156" = load float, ptr %".155", align 4
  %".157" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".156", i32 0
  %".158" = shufflevector <4 x float> %".157", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".159" = fcmp ule <4 x float> %".143", %".158"
  %".160" = fcmp ule <4 x float> %".144", %".158"
  %".161" = or <4 x i1> %".159", %".160"
  %".162" = bitcast <4 x i1> %".161" to i4
  %".163" = icmp ne i4 %".162", 0
  %".164" = zext i1 %".163" to i64
  %".165" = shl i64 %".164", 0
  %".166" = or i64 0, %".165"
  %".167" = add i64 %".28", 1
  %".168" = getelementptr float, ptr %".153", i64 %".167"
  %".169" = load float, ptr %".168", align 4
  %".170" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".169", i32 0
  %".171" = shufflevector <4 x float> %".170", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".172" = fcmp ule <4 x float> %".145", %".171"
  %".173" = fcmp ule <4 x float> %".146", %".171"
  %".174" = or <4 x i1> %".172", %".173"
  %".175" = bitcast <4 x i1> %".174" to i4
  %".176" = icmp ne i4 %".175", 0
  %".177" = zext i1 %".176" to i64
  %".178" = shl i64 %".177", 1
  %".179" = or i64 %".166", %".178"
  %".180" = add i64 %".28", 2
  %".181" = getelementptr float, ptr %".153", i64 %".180"
  %".182" = load float, ptr %".181", align 4
  %".183" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".182", i32 0
  %".184" = shufflevector <4 x float> %".183", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".185" = fcmp ule <4 x float> %".147", %".184"
  %".186" = fcmp ule <4 x float> %".148", %".184"
  %".187" = or <4 x i1> %".185", %".186"
  %".188" = bitcast <4 x i1> %".187" to i4
  %".189" = icmp ne i4 %".188", 0
  %".190" = zext i1 %".189" to i64
  %".191" = shl i64 %".190", 2
  %".192" = or i64 %".179", %".191"
  %".193" = add i64 %".28", 3
  %".194" = getelementptr float, ptr %".153", i64 %".193"
  %".195" = load float, ptr %".194", align 4
  %".196" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".195", i32 0
  %".197" = shufflevector <4 x float> %".196", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".198" = fcmp ule <4 x float> %".149", %".197"
  %".199" = fcmp ule <4 x float> %".150", %".197"
  %".200" = or <4 x i1> %".198", %".199"
  %".201" = bitcast <4 x i1> %".200" to i4
  %".202" = icmp ne i4 %".201", 0
  %".203" = zext i1 %".202" to i64
  %".204" = shl i64 %".203", 3
  %".205" = or i64 %".192", %".204"
  %".206" = sub i64 %".16", %".28"
  %".207" = icmp slt i64 %".206", 4
  %".208" = select  i1 %".207", i64 %".206", i64 4
  %".209" = shl i64 1, %".208"
  %".210" = sub i64 %".209", 1
  %".211" = and i64 %".205", %".210"
  %".212" = icmp ne i64 %".211", 0
  br i1 %".212", label %"t.done.if", label %"t.done.endif", !prof !0
t.done.if:
  %".214" = getelementptr float, ptr %".11", i64 0
  store <4 x float> %".143", ptr %".214", align 4
  %".216" = getelementptr float, ptr %".11", i64 4
  store <4 x float> %".144", ptr %".216", align 4
  %".218" = getelementptr float, ptr %".11", i64 8
  store <4 x float> %".145", ptr %".218", align 4
  %".220" = getelementptr float, ptr %".11", i64 12
  store <4 x float> %".146", ptr %".220", align 4
  %".222" = getelementptr float, ptr %".11", i64 16
  store <4 x float> %".147", ptr %".222", align 4
  %".224" = getelementptr float, ptr %".11", i64 20
  store <4 x float> %".148", ptr %".224", align 4
  %".226" = getelementptr float, ptr %".11", i64 24
  store <4 x float> %".149", ptr %".226", align 4
  %".228" = getelementptr float, ptr %".11", i64 28
  store <4 x float> %".150", ptr %".228", align 4
  store i64 %".211", ptr %".230"
  br label %"bit.head"
t.done.endif:
  %".512" = add i64 %"tile", 1
  br label %"tile.head"
bit.head:
  %".233" = load i64, ptr %".230"
  %".234" = icmp ne i64 %".233", 0
  br i1 %".234", label %"bit.body", label %"bit.done"
bit.body:
  %".236" = load i64, ptr %".230"
  %".237" = sub i64 %".236", 1
  %".238" = and i64 %".236", %".237"
  store i64 %".238", ptr %".230"
  %".240" = call i64 @"llvm.cttz.i64"(i64 %".236", i1 1)
  %".241" = add i64 %".28", %".240"
  %".242" = getelementptr float, ptr %".153", i64 %".241"
  %".243" = load float, ptr %".242", align 4
  %".244" = add i64 %".240", 0
  %".245" = mul i64 %".244", 8
  %".246" = add i64 %".245", 0
  %".247" = getelementptr float, ptr %".11", i64 %".246"
  %".248" = load <4 x float>, ptr %".247", align 4
  %".249" = add i64 %".34", 0
  %".250" = sitofp i64 %".14" to float
  %".251" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".250", i32 0
  %".252" = shufflevector <4 x float> %".251", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".253" = getelementptr float, ptr %".12", i64 0
  store <4 x float> %".248", ptr %".253", align 4
  %".255" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".243", i32 0
  %".256" = shufflevector <4 x float> %".255", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".257" = fcmp ule <4 x float> %".248", %".256"
  %".258" = bitcast <4 x i1> %".257" to i4
  %".259" = zext i4 %".258" to i64
  %".260" = shl i64 %".259", 0
  %".261" = or i64 0, %".260"
  %".262" = add i64 %".240", 0
  %".263" = mul i64 %".262", 8
  %".264" = add i64 %".263", 4
  %".265" = getelementptr float, ptr %".11", i64 %".264"
  %".266" = load <4 x float>, ptr %".265", align 4
  %".267" = add i64 %".34", 4
  %".268" = sitofp i64 %".14" to float
  %".269" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".268", i32 0
  %".270" = shufflevector <4 x float> %".269", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".271" = getelementptr float, ptr %".12", i64 4
  store <4 x float> %".266", ptr %".271", align 4
  %".273" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".243", i32 0
  %".274" = shufflevector <4 x float> %".273", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".275" = fcmp ule <4 x float> %".266", %".274"
  %".276" = bitcast <4 x i1> %".275" to i4
  %".277" = zext i4 %".276" to i64
  %".278" = shl i64 %".277", 4
  %".279" = or i64 %".261", %".278"
  %".280" = icmp ne i64 %".279", 0
  br i1 %".280", label %"bit.body.if", label %"bit.body.endif", !prof !0
bit.done:
  br label %"t.done.endif"
bit.body.if:
  %".289" = mul i64 %".241", %".283"
  %".290" = getelementptr float, ptr %".288", i64 %".289"
  %".294" = mul i64 %".241", %".285"
  %".295" = getelementptr float, ptr %".293", i64 %".294"
  %".299" = mul i64 %".241", %".285"
  %".300" = getelementptr i64, ptr %".298", i64 %".299"
  store i64 %".279", ptr %".301"
  br label %"bit.head.1"
bit.body.endif:
  br label %"bit.head"
bit.head.1:
  %".304" = load i64, ptr %".301"
  %".305" = icmp ne i64 %".304", 0
  br i1 %".305", label %"bit.body.1", label %"bit.done.1"
bit.body.1:
  %".307" = load i64, ptr %".301"
  %".308" = sub i64 %".307", 1
  %".309" = and i64 %".307", %".308"
  store i64 %".309", ptr %".301"
  %".311" = call i64 @"llvm.cttz.i64"(i64 %".307", i1 1)
  %".312" = getelementptr float, ptr %".12", i64 %".311"
  %".313" = load float, ptr %".312", align 4
  %".314" = add i64 %".34", %".311"
  %".315" = getelementptr float, ptr %".153", i64 %".241"
  %".316" = load float, ptr %".315", align 4
  %".317" = fcmp ule float %".313", %".316"
  %".320" = icmp slt i64 %".314", %".319"
  %".321" = and i1 %".317", %".320"
  %".325" = getelementptr i64, ptr %".324", i64 %".241"
  %".326" = load i64, ptr %".325", align 8
  %".327" = icmp eq i64 %".326", 0
  %".328" = and i1 %".321", %".327"
  br i1 %".328", label %"bit.body.1.if", label %"bit.body.1.endif"
bit.done.1:
  br label %"bit.body.endif"
bit.body.1.if:
  %".332" = icmp eq i64 %".331", 0
  store i1 %".332", ptr %".333"
  %".335" = xor i1 %".332", -1
  br i1 %".335", label %"bit.body.1.if.if", label %"bit.body.1.if.endif"
bit.body.1.endif:
  br label %"bit.head.1"
bit.body.1.if.if:
  %".339" = mul i64 %".241", %".338"
  %".340" = add i64 %".339", %".314"
  %".342" = getelementptr i8, ptr %".341", i64 %".340"
  %".343" = load i8, ptr %".342", align 1
  %".344" = icmp ne i8 %".343", 0
  store i1 %".344", ptr %".333"
  br label %"bit.body.1.if.endif"
bit.body.1.if.endif:
  %".347" = load i1, ptr %".333"
  br i1 %".347", label %"bit.body.1.if.endif.if", label %"bit.body.1.if.endif.endif"
bit.body.1.if.endif.if:
  %".352" = getelementptr i64, ptr %".351", i64 %".241"
  %".353" = load i64, ptr %".352"
  %".354" = fcmp ord float %".313", %".313"
  %".355" = icmp slt i64 %".353", %".283"
  %".356" = and i1 %".354", %".355"
  %".357" = icmp eq i64 %".353", %".283"
  %".358" = and i1 %".354", %".357"
  %".359" = getelementptr float, ptr %".290", i64 0
  %".360" = load float, ptr %".359", align 4
  %".361" = fcmp olt float %".313", %".360"
  %".362" = and i1 %".358", %".361"
  br i1 %".356", label %"bit.body.1.if.endif.if.if", label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.endif:
  br label %"bit.body.1.endif"
bit.body.1.if.endif.if.if:
  store i64 %".353", ptr %".364"
  br label %"rise.head"
bit.body.1.if.endif.if.endif:
  br i1 %".362", label %"bit.body.1.if.endif.if.endif.if", label %"bit.body.1.if.endif.if.endif.endif"
rise.head:
  %".367" = load i64, ptr %".364"
  %".368" = sub i64 %".367", 1
  %".369" = sdiv i64 %".368", 2
  %".370" = icmp sgt i64 %".367", 0
  %".371" = select  i1 %".370", i64 %".369", i64 0
  %".372" = getelementptr float, ptr %".290", i64 %".371"
  %".373" = load float, ptr %".372", align 4
  %".374" = icmp sgt i64 %".367", 0
  %".375" = fcmp olt float %".373", %".313"
  %".376" = and i1 %".374", %".375"
  br i1 %".376", label %"rise.body", label %"rise.done"
rise.body:
  %".378" = load i64, ptr %".364"
  %".379" = sub i64 %".378", 1
  %".380" = sdiv i64 %".379", 2
  %".381" = getelementptr float, ptr %".290", i64 %".380"
  %".382" = load float, ptr %".381", align 4
  %".383" = getelementptr float, ptr %".290", i64 %".378"
  store float %".382", ptr %".383", align 4
  store i64 %".380", ptr %".364"
  br label %"rise.head"
rise.done:
  %".387" = load i64, ptr %".364"
  %".388" = getelementptr float, ptr %".290", i64 %".387"
  store float %".313", ptr %".388", align 4
  %".390" = add i64 %".353", 1
  store i64 %".390", ptr %".352"
  br label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.if.endif.if:
  store i64 0, ptr %".394"
  store i64 0, ptr %".396"
  br label %"sink.head"
bit.body.1.if.endif.if.endif.endif:
  %".431" = getelementptr i64, ptr %".351", i64 %".241"
  %".432" = load i64, ptr %".431", align 8
  %".433" = icmp eq i64 %".432", %".283"
  br i1 %".433", label %"bit.body.1.if.endif.if.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif"
sink.head:
  %".399" = load i64, ptr %".394"
  %".400" = mul i64 %".399", 2
  %".401" = add i64 %".400", 1
  %".402" = add i64 %".401", 1
  %".403" = icmp slt i64 %".401", %".283"
  %".404" = select  i1 %".403", i64 %".401", i64 0
  %".405" = icmp slt i64 %".402", %".283"
  %".406" = select  i1 %".405", i64 %".402", i64 %".404"
  %".407" = getelementptr float, ptr %".290", i64 %".406"
  %".408" = load float, ptr %".407", align 4
  %".409" = getelementptr float, ptr %".290", i64 %".404"
  %".410" = load float, ptr %".409", align 4
  %".411" = fcmp ogt float %".408", %".410"
  %".412" = select  i1 %".411", i64 %".406", i64 %".404"
  store i64 %".412", ptr %".396"
  %".414" = getelementptr float, ptr %".290", i64 %".412"
  %".415" = load float, ptr %".414", align 4
  %".416" = fcmp ogt float %".415", %".313"
  %".417" = and i1 %".403", %".416"
  br i1 %".417", label %"sink.body", label %"sink.done"
sink.body:
  %".419" = load i64, ptr %".396"
  %".420" = getelementptr float, ptr %".290", i64 %".419"
  %".421" = load float, ptr %".420", align 4
  %".422" = load i64, ptr %".394"
  %".423" = getelementptr float, ptr %".290", i64 %".422"
  store float %".421", ptr %".423", align 4
  store i64 %".419", ptr %".394"
  br label %"sink.head"
sink.done:
  %".427" = load i64, ptr %".394"
  %".428" = getelementptr float, ptr %".290", i64 %".427"
  store float %".313", ptr %".428", align 4
  br label %"bit.body.1.if.endif.if.endif.endif"
bit.body.1.if.endif.if.endif.endif.if:
  %".435" = getelementptr float, ptr %".290", i64 0
  %".436" = load float, ptr %".435", align 4
  %".444" = getelementptr float, ptr %".443", i64 %".241"
  %".445" = load float, ptr %".444", align 4
  %".446" = fmul float %".436", %".440"
  %".447" = fadd float %".446", %".445"
  %".448" = getelementptr float, ptr %".153", i64 %".241"
  store float %".447", ptr %".448", align 4
  br label %"bit.body.1.if.endif.if.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif:
  %".454" = getelementptr i64, ptr %".453", i64 %".241"
  %".455" = load i64, ptr %".454"
  %".456" = icmp eq i64 %".455", %".285"
  br i1 %".456", label %"bit.body.1.if.endif.if.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.if:
  %".458" = getelementptr float, ptr %".153", i64 %".241"
  %".459" = load float, ptr %".458", align 4
  store i64 0, ptr %".460"
  br label %"c.head"
bit.body.1.if.endif.if.endif.endif.endif.endif:
  %".493" = load i64, ptr %".454"
  %".494" = icmp slt i64 %".493", %".285"
  br i1 %".494", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
c.head:
  %"c" = phi  i64 [0, %"bit.body.1.if.endif.if.endif.endif.endif.if"], [%".479", %"c.body.endif"]
  %".463" = icmp slt i64 %"c", %".285"
  br i1 %".463", label %"c.body", label %"c.done"
c.body:
  %".465" = getelementptr float, ptr %".295", i64 %"c"
  %".466" = load float, ptr %".465", align 4
  %".467" = fcmp ule float %".466", %".459"
  br i1 %".467", label %"c.body.if", label %"c.body.endif"
c.done:
  %".481" = load i64, ptr %".460"
  store i64 %".481", ptr %".454"
  %".483" = sdiv i64 %".285", 4
  %".484" = sub i64 %".285", %".483"
  %".485" = icmp sgt i64 %".481", %".484"
  br i1 %".485", label %"c.done.if", label %"c.done.endif"
c.body.if:
  %".469" = load i64, ptr %".460"
  %".470" = getelementptr float, ptr %".295", i64 %".469"
  store float %".466", ptr %".470", align 4
  %".472" = getelementptr i64, ptr %".300", i64 %"c"
  %".473" = load i64, ptr %".472", align 8
  %".474" = getelementptr i64, ptr %".300", i64 %".469"
  store i64 %".473", ptr %".474", align 8
  %".476" = add i64 %".469", 1
  store i64 %".476", ptr %".460"
  br label %"c.body.endif"
c.body.endif:
  %".479" = add i64 %"c", 1
  br label %"c.head"
c.done.if:
  %".487" = getelementptr i64, ptr %".324", i64 %".241"
  store i64 1, ptr %".487", align 8
  %".489" = getelementptr float, ptr %".153", i64 %".241"
  store float 0xfff0000000000000, ptr %".489", align 4
  br label %"c.done.endif"
c.done.endif:
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.if:
  %".496" = getelementptr float, ptr %".295", i64 %".493"
  store float %".313", ptr %".496", align 4
  %".500" = add i64 %".314", %".499"
  %".501" = getelementptr i64, ptr %".300", i64 %".493"
  store i64 %".500", ptr %".501", align 8
  %".503" = add i64 %".493", 1
  store i64 %".503", ptr %".454"
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.endif:
  br label %"bit.body.1.if.endif.endif"
}

declare <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".1")

declare i64 @"llvm.cttz.i64"(i64 %".1", i1 %".2")

!0 = !{ !"branch_weights", i32 1, i32 99 }
